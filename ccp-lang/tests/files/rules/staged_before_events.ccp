# What messages set is in force before the events run, Cwnd and Rate among it; the later one wins.
(def (Report (limit 0) (window 0) (rate 0)) (limit 5))
#~ 46: note[L0202]: `limit` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when true (:= Report.limit limit) (:= Report.window Cwnd) (:= Report.rate Rate) (report))
#@ test run cwnd=1000
#@ ack
#= cwnd=1000 report=[5, 1000, 0]
#@ set limit=6 Cwnd=2000
#@ set limit=7 Rate=3000
#@ ack
#= cwnd=2000 rate=3000 report=[7, 2000, 3000]
#@ ack
#= cwnd=2000 rate=3000 report=[7, 2000, 3000]
#@ set Cwnd=0 Rate=0
#@ ack
#= report=[7, 0, 0]
