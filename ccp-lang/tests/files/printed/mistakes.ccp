# A tree has its mistakes in it.
#@ test ast
#| (def
#|     (x 1)
#|     (y 0))
#| (when (<error> 1 2)
#|     (:= x (+ x))
#|     (:= Cwnd x)
#|     (<error>))
(def (x 1) (y))
#~ 12: error[E0108]: `y` is declared without a value
#~     help: write `(y 0)`
(when (foo 1 2) (:= x (+ x)) (:= Cwnd x) ())
#~ 8: error[E0109]: there is no operator `foo`
#~     help: the operator stands first: `(+ a b)`
#~ 23: error[E0111]: `+` takes two or more operands, not 1
#~     help: write `(+ a b)`
#~ 42: error[E0114]: empty parentheses
#~     help: remove them, or write an expression
