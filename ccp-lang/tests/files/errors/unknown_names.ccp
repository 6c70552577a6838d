#@ test check
(def (Report (acked 0) (minrtt +infinity)) (reportTime 0))
(when (> Micros reporttime)
#~ 17: error[L0102]: nothing binds `reporttime`
#~     help: did you mean `reportTime`?
    (:= Report.aked (+ Report.acked Ack.bytes_aked))
#~ 9: error[L0103]: `Report.aked` is not declared, so that no report carries it
#~     help: did you mean `Report.acked`?
#~ 37: error[L0102]: nothing binds `Ack.bytes_aked`
#~     help: did you mean `Ack.bytes_acked`?
    (:= Report.minrtt (min minrtt rtt_sample_us))
#~ 28: error[L0102]: nothing binds `minrtt`
#~     help: did you mean `Report.minrtt`?
#~ 35: error[L0102]: nothing binds `rtt_sample_us`
#~     help: did you mean `Flow.rtt_sample_us`?
    (:= Flow.rtt 5) (:= Ack.foo 3) (:= Report.zzz 1)
#~ 9: error[L0103]: there is no `Flow.rtt`, and primitives cannot be bound
#~     help: use a name of your own, such as `rtt`
#~ 25: error[L0103]: there is no `Ack.foo`, and primitives cannot be bound
#~     help: use a name of your own, such as `foo`
#~ 40: error[L0103]: `Report.zzz` is not declared, so that no report carries it
#~     help: declare it: `(Report (zzz 0))`
    (:= Cwnd (+ cwnd qqq Report.qqq Flow.qqq infinity truefoo))
#~ 17: error[L0102]: nothing binds `cwnd`
#~     help: did you mean `Cwnd`?
#~ 22: error[L0102]: nothing binds `qqq`
#~     help: declare it in `(def …)`, or bind it: `(:= qqq …)`
#~ 26: error[L0102]: nothing binds `Report.qqq`
#~     help: declare it: `(Report (qqq 0))`
#~ 37: error[L0102]: nothing binds `Flow.qqq`
#~     help: there is no such primitive
#~ 46: error[L0102]: nothing binds `infinity`
#~     help: write `+infinity`
#~ 55: error[E0110]: nothing binds `truefoo`
#~     help: put a space behind `true` if two words are meant
)
