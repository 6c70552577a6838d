# No RTT sample reads as infinity.
(def (Report (rtt 0)))
(when true (:= Report.rtt Flow.rtt_sample_us) (report))
#@ test run
#@ ack
#= cwnd=14480 report=[4294967295]
#@ ack rtt_sample_us=1
#= cwnd=14480 report=[1]
#@ ack rtt_sample_us=0
#= cwnd=14480 report=[4294967295]
