# A volatile control variable that the agent sets keeps the value until the next report.
(def (Report (seen 0)) (volatile gain 1))
#~ 34: warning[L0202]: `gain` is never written: it keeps its initial value unless the agent sets it
#~     help: what the agent sets is lost with the next report; remove `volatile`
(when true (:= Report.seen gain) (fallthrough))
(when (> Ack.bytes_acked 0) (report))
#@ test run
#@ set gain=9
#@ ack
#= cwnd=14480
#@ ack bytes_acked=1
#= cwnd=14480 report=[9]
#@ ack bytes_acked=1
#= cwnd=14480 report=[1]
