#@ test check
(def (Report (r 0)))
(when (&& (> (:= Report.r 5) 3) (report))
#~ 14: error[E0501]: a bind in a condition
#~     help: bind in the body of an event before this one that falls through
#~ 33: error[E0501]: `(report)` stands in a condition
#~     help: move it into the body of the event
    (:= 5 Report.r) (:= true false) (:= (+ 1 2) 3) (:= (:= x 1) 2) (:= Ack.now 1) (:= (report) 1)
#~ 9: error[E0301]: a constant cannot be bound
#~     help: the variable stands first: `(:= x 5)`
#~ 25: error[E0301]: a constant cannot be bound
#~     help: the variable stands first: `(:= x 5)`
#~ 41: error[E0302]: the left side of `:=` is not a name
#~     help: bind to a variable: `(:= x …)`
#~ 56: error[E0302]: the left side of `:=` is not a name
#~     help: bind to a variable: `(:= x …)`
#~ 72: error[E0301]: `Ack.now` is measured by the datapath and cannot be bound
#~     help: bind to a variable of your own, or to `Cwnd` or `Rate`
#~ 87: error[E0302]: the left side of `:=` is not a name
#~     help: bind to a variable: `(:= x …)`
    (if true 5) (+ 1 (if true 5)) (:= Report.r (+ (ewma 1 2) 3)) (:= Report.r (if (if true true) 1))
#~ 5: error[E0502]: `if` stands outside a bind
#~     help: bind it to the variable that it may change: `(:= x (if c v))`
#~ 22: error[E0502]: `if` stands outside a bind
#~     help: bind it to the variable that it may change: `(:= x (if c v))`
#~ 51: error[E0502]: `ewma` stands outside a bind
#~     help: bind it to the variable that it smooths: `(:= x (ewma a v))`
#~ 83: error[E0502]: `if` stands outside a bind
#~     help: bind it to the variable that it may change: `(:= x (if c v))`
    (:= Report.r (reset)) (+ (reset) 1) (:= (if true x) 3)
#~ 18: error[E0403]: `(reset)` has no value to be the value of a bind
#~     help: let it stand alone in the body of the event
#~ 30: error[E0403]: `(reset)` has no value to be an operand of `+`
#~     help: let it stand alone in the body of the event
#~ 45: error[E0502]: `if` stands outside a bind
#~     help: bind it to the variable that it may change: `(:= x (if c v))`
#~ 45: error[E0302]: the left side of `:=` is not a name
#~     help: bind to a variable: `(:= x …)`
)
(when (fallthrough) (report))
#~ 7: error[E0501]: `(fallthrough)` stands in a condition
#~     help: move it into the body of the event
