# Lint `unbound-read` denies.
#@ test check
(def (Report (r 0)))
(when true (:= Report.r nothing) (report))
#~ 25: error[L0102]: nothing binds `nothing`
#~     help: declare it in `(def …)`, or bind it: `(:= nothing …)`
