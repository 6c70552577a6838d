# In the last event there is nothing to fall through to.
(def (Report (n 0)))
(when true (:= Report.n (+ Report.n 1)) (report) (fallthrough))
#@ test run
#@ ack
#= cwnd=14480 report=[1]
#@ ack
#= cwnd=14480 report=[2]
