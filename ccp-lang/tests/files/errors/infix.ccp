#@ test check
(def (x 0) (y 0))
(when (x > 5) (:= x -5) (x + (y * 2)) (y :=))
#~ 10: error[E0109]: `>` stands between its operands
#~     help: operators stand first: `(> x 5)`
#~ 21: error[E0106]: `-` cannot be an operand
#~     help: values are never below 0; subtract with `(- a b)`
#~ 28: error[E0109]: `+` stands between its operands
#~     help: operators stand first: `(+ x (y * 2))`
#~ 33: error[E0109]: `*` stands between its operands
#~     help: operators stand first: `(* y 2)`
#~ 40: error[E0109]: there is no operator `y`
#~     help: the operator stands first: `(+ a b)`
#~ 42: error[E0106]: `:=` cannot be an operand
#~     help: operators stand first: `(:= …)`
