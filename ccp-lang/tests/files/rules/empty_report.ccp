# Where it is allowed, a program without report variables sends an empty report, which means Close.
#@ allow empty-report
(def)
(when (> Ack.bytes_acked 10) (report))
#~ 30: warning[L0104]: the report would be empty, which closes the flow
#~     help: declare what should be reported: `(def (Report (volatile acked 0)))`
(when true (:= Cwnd 5000))
#@ test run
#@ ack bytes_acked=5
#= cwnd=5000
#@ ack bytes_acked=11
#= cwnd=5000 report=[]
