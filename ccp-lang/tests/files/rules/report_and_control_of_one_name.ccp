# A report variable and a control variable may share the name behind the point: they are two.
(def
    (Report (phase 0))
    (phase 3)
)
(when true
    (:= Report.phase phase)
    (:= phase (+ phase 1))
    (report)
)
#@ test run
#@ ack
#= cwnd=14480 report=[3]
#@ ack
#= cwnd=14480 report=[4]
#@ set phase=9
#@ ack
#= cwnd=14480 report=[9]
