# After a trap only what messages set goes to the transport.
(def (limit 5))
#~ 7: note[L0202]: `limit` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when (> (- limit Flow.rate_incoming) 0) (:= Cwnd 7777))
#@ test run
#@ ack rate_incoming=1 rate_outgoing=0
#= cwnd=7777
#@ set Cwnd=20000 Rate=30000 limit=4
#@ ack rate_incoming=9 rate_outgoing=0
#= cwnd=20000 rate=30000 trap=SubUnderflow
#@ ack rate_incoming=1 rate_outgoing=0
#= cwnd=7777 rate=30000
