# A program finds the window that the transport uses now, not the one it set.
(def (Report (found 0)))
(when true (:= Report.found Cwnd) (:= Cwnd (+ Cwnd 1000)) (report))
#@ test run cwnd=10000
#@ ack
#= cwnd=11000 report=[10000]
#@ ack
#= cwnd=12000 report=[11000]
#@ ack cwnd=5000
#= cwnd=6000 report=[5000]
#@ ack
#= cwnd=7000 report=[6000]
