# A change of program forgets what was set before it, and has fields of its own.
(def (Report (a 0) (b 0)) (a 1) (b 2))
#~ 28: note[L0202]: `a` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
#~ 34: note[L0202]: `b` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when true (:= Report.a a) (:= Report.b b) (report))
#@ test run
#@ ack
#= cwnd=14480 report=[1, 2]
#@ set a=10 b=20
#@ switch 0 b=30
#@ ack
#= cwnd=14480 report=[1, 30]
#@ set a=11
#@ ack
#= cwnd=14480 report=[11, 30]
#@ switch 0
#@ set b=31
#@ ack
#= cwnd=14480 report=[1, 31]
