# Events are looked at in order; the first true one runs and ends the invocation.
(def (Report (which 0)))
(when (> Ack.bytes_acked 100) (:= Report.which 1) (report))
(when (> Ack.bytes_acked 10) (:= Report.which 2) (report))
(when (> Ack.bytes_acked 1) (:= Report.which 3) (report))
#@ test run
#@ ack bytes_acked=1000
#= cwnd=14480 report=[1]
#@ ack bytes_acked=50
#= cwnd=14480 report=[2]
#@ ack bytes_acked=5
#= cwnd=14480 report=[3]
#@ ack bytes_acked=0
#= cwnd=14480
