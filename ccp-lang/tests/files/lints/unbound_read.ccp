# A name that nothing binds is a local that is 0.
#@ allow unbound-read
(def (Report (r 5)))
(when true (:= Report.r (+ nothing Ack.bytes_acked)) (report))
#~ 28: warning[L0102]: nothing binds `nothing`
#~     help: declare it in `(def …)`, or bind it: `(:= nothing …)`
#@ test run
#@ ack bytes_acked=3
#= cwnd=14480 report=[3]
