# A product that does not fit 64 bits ends the invocation. Nothing that the program decided leaves it: no window, no rate, no report; what it wrote stays.
(def (Report (before 0) (behind 0)))
(when true
    (:= Report.before (+ Report.before 1))
    (:= Cwnd 30000)
    (:= Rate 40000)
    (report)
    (:= local (* Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.behind (+ Report.behind (min local 1)))
)
#@ test run
#@ ack rate_incoming=2 rate_outgoing=1
#= cwnd=30000 rate=40000 report=[1, 1]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=2
#= trap=MulOverflow
#@ ack rate_incoming=4294967296 rate_outgoing=4294967296
#= trap=MulOverflow
#@ ack rate_incoming=4294967295 rate_outgoing=4294967297
#= cwnd=30000 rate=40000 report=[4, 2]
#@ ack rate_incoming=3 rate_outgoing=1
#= cwnd=30000 rate=40000 report=[5, 3]
