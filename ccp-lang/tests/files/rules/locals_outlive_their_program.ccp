# Locals and undeclared registers keep what they hold when a program begins anew; declared ones do not.
(def (Report (declared 1) (local 0)))
(when true
    (:= kept (+ kept 1))
    (:= Report.declared (+ Report.declared 1))
    (:= Report.local kept)
    (report)
)
#@ test run
#@ ack
#= cwnd=14480 report=[2, 1]
#@ ack
#= cwnd=14480 report=[3, 2]
#@ switch 0
#@ ack
#= cwnd=14480 report=[2, 3]
