# What is written to Micros is read back within the invocation.
#@ not libccp: a value other than 0 is off by a factor of 1000 at the next invocation there
(def (Report (now 0)))
(when (> Ack.bytes_acked 0) (:= Micros 700) (:= Report.now Micros) (report))
(when true (:= Report.now Micros) (report))
#@ test run
#@ ack now=100 bytes_acked=1
#= cwnd=14480 report=[700]
#@ ack now=150
#= cwnd=14480 report=[750]
#@ ack now=160 bytes_acked=1
#= cwnd=14480 report=[700]
#@ ack now=160
#= cwnd=14480 report=[700]
