# A trap in a condition ends the invocation too: no later event is looked at.
(def (Report (runs 0)))
(when (> (/ Flow.rate_incoming Flow.rate_outgoing) 2) (:= Report.runs (+ Report.runs 10)) (report))
(when true (:= Report.runs (+ Report.runs 1)) (report))
#@ test run
#@ ack rate_incoming=6 rate_outgoing=2
#= cwnd=14480 report=[10]
#@ ack rate_incoming=6 rate_outgoing=0
#= trap=DivByZero
#@ ack rate_incoming=2 rate_outgoing=2
#= cwnd=14480 report=[11]
