#@ test check
(def [x 0]; comment
#~ 6: error[E0101]: unexpected character `[`
#~     help: forms stand in `(` and `)`
#~ 10: error[E0101]: unexpected character `]`
#~     help: forms stand in `(` and `)`
(y = 5))
#~ 4: error[E0101]: unexpected character `=`
#~     help: `:=` binds, `==` compares
(when (y > 5) (:= y (y % 2)) → "text" (& y y) (:= y ≤))
#~ 10: error[E0109]: `>` stands between its operands
#~     help: operators stand first: `(> y 5)`
#~ 22: error[E0109]: there is no operator `y`
#~     help: the operator stands first: `(+ a b)`
#~ 24: error[E0101]: unexpected character `%`
#~     help: there is no remainder: `(- a (* b (/ a b)))` is one
#~ 30: error[E0101]: unexpected character `→`
#~     help: `:=` binds
#~ 32: error[E0101]: unexpected character `"text"`
#~     help: there are no strings
#~ 40: error[E0101]: unexpected character `&`
#~     help: the operator is `&&`
#~ 53: error[E0101]: unexpected character `≤`
#~     help: write `<=`
