# The quotient, rounded down.
(def (Report (sign 0) (word 0)))
(when true
    (:= Report.sign (/ Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (div Flow.rate_incoming Flow.rate_outgoing))
    (report)
)
#@ test run
#@ ack rate_incoming=7 rate_outgoing=2
#= cwnd=14480 report=[3, 3]
#@ ack rate_incoming=7 rate_outgoing=8
#= cwnd=14480 report=[0, 0]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=1
#= cwnd=14480 report=[18446744073709551615, 18446744073709551615]
#@ ack rate_incoming=0 rate_outgoing=5
#= cwnd=14480 report=[0, 0]
