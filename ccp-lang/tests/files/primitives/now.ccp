# The time of the invocation, in microseconds since the datapath started.
#@ not libccp: its clock has run before the flow begins
(def (Report (now 0)))
(when true (:= Report.now Ack.now) (report))
#@ test run
#@ ack now=0
#= cwnd=14480 report=[0]
#@ ack now=1234567
#= cwnd=14480 report=[1234567]
#@ ack now=6000000000
#= cwnd=14480 report=[6000000000]
