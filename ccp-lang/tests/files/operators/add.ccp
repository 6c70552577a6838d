# The sum, of two operands or more.
(def (Report (sign 0) (word 0) (more 0)))
(when true
    (:= Report.sign (+ Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (add Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.more (+ Flow.rate_incoming Flow.rate_outgoing Flow.rate_incoming))
    (report)
)
#@ test run
#@ ack rate_incoming=2 rate_outgoing=3
#= cwnd=14480 report=[5, 5, 7]
#@ ack rate_incoming=0 rate_outgoing=0
#= cwnd=14480 report=[0, 0, 0]
#@ ack rate_incoming=4294967295 rate_outgoing=4294967295
#= cwnd=14480 report=[8589934590, 8589934590, 12884901885]
