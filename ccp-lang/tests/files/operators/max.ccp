# The largest, of two operands or more.
(def (Report (sign 0) (word 0) (more 0)))
(when true
    (:= Report.sign (max Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (max Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.more (max Flow.rate_incoming Flow.rate_outgoing Flow.rate_incoming))
    (report)
)
#@ test run
#@ ack rate_incoming=6 rate_outgoing=7
#= cwnd=14480 report=[7, 7, 7]
#@ ack rate_incoming=7 rate_outgoing=6
#= cwnd=14480 report=[7, 7, 7]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=0
#= cwnd=14480 report=[18446744073709551615, 18446744073709551615, 18446744073709551615]
