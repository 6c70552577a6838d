# What nobody reads is computed all the same: it may end the invocation.
(def (Report (x 0)))
(when true
    (+ Flow.rate_incoming Flow.rate_outgoing)
    (:= Report.x 1)
    (report)
)
#@ test run
#@ ack rate_incoming=1 rate_outgoing=2
#= cwnd=14480 report=[1]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=2
#= trap=AddOverflow
