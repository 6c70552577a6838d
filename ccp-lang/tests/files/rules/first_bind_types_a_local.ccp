# A local is what it is bound to first in the source, although another bind may run before.
(def (Report (x 0)))
(when (> Micros 5) (:= flag (> Ack.bytes_acked 0)))
(when flag (:= flag 5) (:= Report.x 1) (report))
#~ 21: warning[L0206]: a Num is bound to `flag`, which is a Bool
#~     help: every number but 0 counts as true; compare it: `(:= flag (> … 0))`
(when true (:= flag (> Ack.bytes_acked 9)))
#@ test run
#@ ack bytes_acked=0 now=1
#= cwnd=14480
#@ ack bytes_acked=10 now=2
#= cwnd=14480
#@ ack bytes_acked=0 now=3
#= cwnd=14480 report=[1]
