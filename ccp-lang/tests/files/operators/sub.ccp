# The difference, which may be 0 but not less.
(def (Report (sign 0) (word 0)))
(when true
    (:= Report.sign (- Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (sub Flow.rate_incoming Flow.rate_outgoing))
    (report)
)
#@ test run
#@ ack rate_incoming=5 rate_outgoing=3
#= cwnd=14480 report=[2, 2]
#@ ack rate_incoming=5 rate_outgoing=5
#= cwnd=14480 report=[0, 0]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=1
#= cwnd=14480 report=[18446744073709551614, 18446744073709551614]
