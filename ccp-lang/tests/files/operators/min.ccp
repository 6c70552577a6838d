# The smallest, of two operands or more.
(def (Report (sign 0) (word 0) (more 0)))
(when true
    (:= Report.sign (min Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (min Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.more (min Flow.rate_incoming Flow.rate_outgoing Flow.rate_incoming))
    (report)
)
#@ test run
#@ ack rate_incoming=6 rate_outgoing=7
#= cwnd=14480 report=[6, 6, 6]
#@ ack rate_incoming=7 rate_outgoing=6
#= cwnd=14480 report=[6, 6, 6]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=0
#= cwnd=14480 report=[0, 0, 0]
