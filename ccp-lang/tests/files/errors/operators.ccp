#@ test check
(def (x 0) (t false))
(when (t)
#~ 8: error[E0109]: `t` is no operator or command
#~     help: write `t` without parentheses if it is a variable or constant
    (minx x 3) (foo x) (ad x 1) ((+ 1 2) 3) (+infinity 1) (5) (set x 1) (mod x 2) (abs x) ()
#~ 6: error[E0110]: there is no operator `minx`
#~     help: put a space between `min` and `x` if two words are meant
#~ 17: error[E0109]: there is no operator `foo`
#~     help: the operator stands first: `(+ a b)`
#~ 25: error[E0109]: there is no operator `ad`
#~     help: did you mean `add`?
#~ 34: error[E0109]: an expression stands in the operator's place
#~     help: the operator stands first: `(+ a b)`
#~ 46: error[E0109]: `+infinity` stands in the operator's place
#~     help: the operator stands first: `(+ a b)`
#~ 60: error[E0109]: `5` is no operator or command
#~     help: write `5` without parentheses if it is a variable or constant
#~ 64: error[E0109]: there is no operator `set`
#~     help: `(:= variable value)` binds
#~ 74: error[E0109]: there is no operator `mod`
#~     help: there is no remainder: `(- a (* b (/ a b)))` is one
#~ 84: error[E0109]: there is no operator `abs`
#~     help: values are never below 0; `(- (max a b) (min a b))` is the distance of two
#~ 91: error[E0114]: empty parentheses
#~     help: remove them, or write an expression
    (> x 1 2) (+ x) (! t t) (:= x) (:= x -5) (:= x > 5) (report now) (if t 1) (Report x)
#~ 5: error[E0111]: `>` takes two operands, not 3
#~     help: nest it, or join comparisons with `&&`
#~ 15: error[E0111]: `+` takes two or more operands, not 1
#~     help: write `(+ a b)`
#~ 21: error[E0111]: `!` takes one operand, not 2
#~     help: write `(! condition)`
#~ 29: error[E0111]: `:=` takes two operands, not 1
#~     help: write `(:= variable value)`
#~ 42: error[E0106]: `-` cannot be an operand
#~     help: values are never below 0; subtract with `(- a b)`
#~ 52: error[E0106]: `>` cannot be an operand
#~     help: operators stand first: `(> …)`
#~ 57: error[E0111]: `report` takes no operands
#~     help: write `(report)`
#~ 65: error[L0102]: nothing binds `now`
#~     help: did you mean `Ack.now`?
#~ 70: error[E0502]: `if` stands outside a bind
#~     help: bind it to the variable that it may change: `(:= x (if c v))`
#~ 80: error[E0106]: `(Report …)` cannot stand inside an event
#~     help: declarations stand at the beginning of the program
)
