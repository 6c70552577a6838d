# The product, of two operands or more.
(def (Report (sign 0) (word 0) (more 0)))
(when true
    (:= Report.sign (* Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (mul Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.more (* Flow.rate_incoming Flow.rate_outgoing Flow.rate_incoming))
    (report)
)
#@ test run
#@ ack rate_incoming=6 rate_outgoing=7
#= cwnd=14480 report=[42, 42, 252]
#@ ack rate_incoming=0 rate_outgoing=18446744073709551615
#= cwnd=14480 report=[0, 0, 0]
#@ ack rate_incoming=2000000 rate_outgoing=3000000
#= cwnd=14480 report=[6000000000000, 6000000000000, 12000000000000000000]
