# The value is used as it is.
#@ allow operand-type
(def (Report (r 0) (e 0)))
(when true (:= Report.r (if Ack.bytes_acked 7)) (:= Report.e (ewma (> Ack.bytes_acked 0) 100)) (report))
#~ 29: warning[L0105]: the condition of `if` is a Num, not a Bool
#~     help: compare it: `(> … 0)`
#~ 68: warning[L0105]: `ewma` takes numbers, but this is a Bool
#~     help: a Bool counts as 0 or 1 here
#@ test run
#@ ack
#= cwnd=14480 report=[0, 100]
#@ ack bytes_acked=9
#= cwnd=14480 report=[7, 100]
