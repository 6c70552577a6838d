#@ test check
hello 5
#~ 1: error[E0106]: `hello` cannot stand outside an event
#~     help: at the top level there are only `(def …)` and `(when …)`
(whne true (report))
#~ 2: error[E0106]: expected `(def …)` or `(when …)`, found `(whne true (report))`
#~     help: did you mean `when`?
(whentrue (report))
#~ 2: error[E0110]: `whentrue` is one word
#~     help: put a space behind `when`
(:= x 5)
#~ 1: error[E0106]: `(:= x 5)` stands outside an event
#~     help: put it into the body of an event: `(when true …)`
()
#~ 1: error[E0114]: empty parentheses
#~     help: remove them
(report)
#~ 1: error[E0106]: `(report)` stands outside an event
#~     help: put it into the body of an event: `(when true …)`
