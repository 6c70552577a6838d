# A Bool variable may be a condition, of every kind.
(def (Report (mine false) (which 0)) (on false))
#~ 39: note[L0202]: `on` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when Flow.was_timeout (:= Report.which 1) (report))
(when on (:= Report.which 2) (report))
(when Report.mine (:= Report.which 3) (:= Report.mine false) (report))
(when local (:= Report.which 4) (:= local false) (report))
(when (> Ack.bytes_acked 0) (:= Report.mine true) (:= local true))
#@ test run
#@ ack was_timeout=1
#= cwnd=14480 report=[0, 1]
#@ set on=1
#@ ack
#= cwnd=14480 report=[0, 2]
#@ set on=0
#@ ack bytes_acked=1
#= cwnd=14480
#@ ack
#= cwnd=14480 report=[0, 3]
#@ ack
#= cwnd=14480 report=[0, 4]
#@ ack
#= cwnd=14480
