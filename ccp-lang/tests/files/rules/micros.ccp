# Micros is the time since the program began or last set it to 0, fixed for an invocation.
(def (Report (micros 0)) (period 1ms))
#~ 27: note[L0202]: `period` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when (>= Micros period) (:= Report.micros Micros) (:= Micros 0) (report))
#@ test run
#@ ack now=500
#= cwnd=14480
#@ ack now=1499
#= cwnd=14480
#@ ack now=1500
#= cwnd=14480 report=[1000]
#@ ack now=2499
#= cwnd=14480
#@ ack now=2500
#= cwnd=14480 report=[1000]
#@ switch 0
#@ ack now=2600
#= cwnd=14480
#@ ack now=3599
#= cwnd=14480
#@ ack now=3600
#= cwnd=14480 report=[1000]
