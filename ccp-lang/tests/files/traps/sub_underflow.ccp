# A difference below 0 ends the invocation. Nothing that the program decided leaves it: no window, no rate, no report; what it wrote stays.
(def (Report (before 0) (behind 0)))
(when true
    (:= Report.before (+ Report.before 1))
    (:= Cwnd 30000)
    (:= Rate 40000)
    (report)
    (:= local (- Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.behind (+ Report.behind (min local 1)))
)
#@ test run
#@ ack rate_incoming=2 rate_outgoing=1
#= cwnd=30000 rate=40000 report=[1, 1]
#@ ack rate_incoming=1 rate_outgoing=2
#= trap=SubUnderflow
#@ ack rate_incoming=0 rate_outgoing=18446744073709551615
#= trap=SubUnderflow
#@ ack rate_incoming=3 rate_outgoing=1
#= cwnd=30000 rate=40000 report=[4, 2]
