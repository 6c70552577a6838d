# Micros never goes below 0, nor wraps, when time goes back: it stands still. Ack.now is what it is.
#@ not libccp: its clock is not set back, and Ack.now counts from the start of its datapath
(def (Report (micros 0) (now 0)))
(when true (:= Report.micros Micros) (:= Report.now Ack.now) (report))
#@ test run
#@ ack now=100
#= cwnd=14480 report=[0, 100]
#@ ack now=90
#= cwnd=14480 report=[0, 90]
#@ ack now=101
#= cwnd=14480 report=[1, 101]
