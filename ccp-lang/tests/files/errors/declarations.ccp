#@ test check
(def (no_value) (name other) (negative -5) (two 1 2) bare (= 5) ("str" 1) () (x (+ 1 2)) (volatile v))
#~ 6: error[E0108]: `no_value` is declared without a value
#~     help: write `(no_value 0)`
#~ 23: error[E0108]: the initial value of `name` is not a constant
#~     help: write a number, a time, `true`, `false` or `+infinity`
#~ 40: error[E0108]: a negative initial value
#~     help: values are never below 0; keep an offset, or subtract where the value is used
#~ 51: error[E0107]: `2` is too much in a declaration
#~     help: a declaration has one name and one value
#~ 54: error[E0107]: `bare` is no declaration
#~     help: declare a variable as `(name value)` or `(volatile name value)`
#~ 60: error[E0101]: unexpected character `=`
#~     help: `:=` binds, `==` compares
#~ 66: error[E0101]: unexpected character `"str"`
#~     help: there are no strings
#~ 75: error[E0107]: `()` is no declaration
#~     help: declare a variable as `(name value)` or `(volatile name value)`
#~ 81: error[E0108]: the initial value of `x` is not a constant
#~     help: write a number, a time, `true`, `false` or `+infinity`; an event can compute a value
#~ 90: error[E0108]: `v` is declared without a value
#~     help: write `(v 0)`
(when true (:= Cwnd (+ no_value name negative two x v)))
