# A report carries the values at the end of the invocation, however often and early it is asked for.
(def (Report (x 0)))
(when true (report) (:= Report.x 1) (report) (fallthrough))
(when (> Ack.bytes_acked 0) (:= Report.x 2) (fallthrough))
(when true (:= Report.x (+ Report.x 10)))
#@ test run
#@ ack bytes_acked=0
#= cwnd=14480 report=[11]
#@ ack bytes_acked=1
#= cwnd=14480 report=[12]
