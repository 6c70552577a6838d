# A Bool bound to a number is 0 or 1; a number bound to a Bool stays what it is.
(def (Report (n 7) (flag false)))
(when true (:= Report.n (> Ack.bytes_acked 5)) (:= Report.flag Ack.bytes_acked) (fallthrough))
#~ 25: warning[L0206]: a Bool is bound to `Report.n`, which is a Num
#~     help: `Report.n` becomes 0 or 1; declare it with `true` or `false` if it is meant to be a Bool
#~ 64: warning[L0206]: a Num is bound to `Report.flag`, which is a Bool
#~     help: every number but 0 counts as true; compare it: `(:= Report.flag (> … 0))`
(when Report.flag (report))
#@ test run
#@ ack bytes_acked=0
#= cwnd=14480
#@ ack bytes_acked=5
#= cwnd=14480 report=[0, 5]
#@ ack bytes_acked=9
#= cwnd=14480 report=[1, 9]
