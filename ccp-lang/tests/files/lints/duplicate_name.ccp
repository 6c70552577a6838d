# The later declaration wins, the earlier keeps its register.
#@ allow duplicate-name
(def (Report (r 0)) (x 1) (x 2))
#~ 28: warning[L0101]: `x` is declared twice
#~     3:22: the other declaration
#~     help: remove or rename one of them
(when true (:= Report.r x) (:= x 5) (report))
#@ test run
#@ ack
#= cwnd=14480 report=[2]
#@ ack
#= cwnd=14480 report=[5]
