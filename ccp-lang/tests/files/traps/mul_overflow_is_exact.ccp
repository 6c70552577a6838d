# A product that does not fit is always noticed, also when what is left of it looks like a product.
#@ not libccp: it notices only products whose lower 64 bits are less than an operand, and stores the others
(def (Report (product 0)))
(when true (:= Report.product (* Flow.rate_incoming Flow.rate_outgoing)) (report))
#@ test run
#@ ack rate_incoming=9223372036854775809 rate_outgoing=3
#= trap=MulOverflow
#@ ack rate_incoming=9223372036854775807 rate_outgoing=2
#= cwnd=14480 report=[18446744073709551614]
