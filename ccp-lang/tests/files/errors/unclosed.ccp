#@ test check
(def (Report (acked 0))
#~ 1: error[E0102]: this `(` is never closed
#~     6:1: the next event begins here
#~     help: close it with `)` before the next `(when`
(when (> Ack.bytes_acked 0 (:= Report.acked 1))
#~ 1: error[E0102]: this `(` is never closed
#~     12:1: the next event begins here
#~     help: close it with `)` before the next `(when`
#~ 7: error[E0111]: `>` takes two operands, not 3
#~     help: nest it, or join comparisons with `&&`
(when true (report)
#~ 1: error[E0102]: this `(` is never closed
#~     help: close it with `)`
