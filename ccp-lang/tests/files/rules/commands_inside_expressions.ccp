# Commands may stand inside expressions of a body; their value is true.
(def (Report (x false) (y 0)))
(when true (:= Report.x (&& (> Ack.bytes_acked 0) (report))) (:= Report.y (if (fallthrough) 5)))
(when true (:= Report.y (+ Report.y 1)))
#@ test run
#@ ack bytes_acked=0
#= cwnd=14480 report=[0, 6]
#@ ack bytes_acked=1
#= cwnd=14480 report=[1, 6]
