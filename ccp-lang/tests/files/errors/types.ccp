#@ test check
(def (Report (r 0)) (t true))
(when (+ 1 2)
#~ 7: error[E0402]: the condition is a number, not a Bool
#~     help: compare it: `(> … 0)`
    (+ t 1) (&& Report.r 2) (== t 1) (!= Report.r t) (! 5) (|| t (+ 1 2) 3) (min t t)
#~ 8: error[E0401]: `+` takes numbers, but this is a Bool
#~     help: join Bools with `&&` and `||`; `(:= x (if c 1))` makes a number of one
#~ 17: error[E0401]: `&&` takes Bools, but this is a number
#~     help: compare it: `(> … 0)`
#~ 26: error[E0401]: `&&` takes Bools, but this is a number
#~     help: compare it: `(> … 0)`
#~ 35: error[E0401]: `==` compares a Bool with a Num
#~     help: compare two numbers or two Bools
#~ 51: error[E0401]: `!=` compares a Num with a Bool
#~     help: compare two numbers or two Bools
#~ 57: error[E0401]: `!` takes Bools, but this is a number
#~     help: compare it: `(> … 0)`
#~ 66: error[E0401]: `||` takes Bools, but this is a number
#~     help: compare it: `(> … 0)`
#~ 74: error[E0401]: `||` takes Bools, but this is a number
#~     help: compare it: `(> … 0)`
#~ 82: error[E0401]: `min` takes numbers, but this is a Bool
#~     help: join Bools with `&&` and `||`; `(:= x (if c 1))` makes a number of one
#~ 84: error[E0401]: `min` takes numbers, but this is a Bool
#~     help: join Bools with `&&` and `||`; `(:= x (if c 1))` makes a number of one
    (:= Report.r (if 5 1)) (:= Report.r (!if Report.r 1)) (:= Report.r (ewma t 1)) (:= Report.r (ewma 1 t)) (:= t 5)
#~ 22: error[L0105]: the condition of `if` is a Num, not a Bool
#~     help: compare it: `(> … 0)`
#~ 46: error[L0105]: the condition of `!if` is a Num, not a Bool
#~     help: compare it: `(> … 0)`
#~ 78: error[L0105]: `ewma` takes numbers, but this is a Bool
#~     help: a Bool counts as 0 or 1 here
#~ 105: error[L0105]: `ewma` takes numbers, but this is a Bool
#~     help: a Bool counts as 0 or 1 here
#~ 115: warning[L0206]: a Num is bound to `t`, which is a Bool
#~     help: every number but 0 counts as true; compare it: `(:= t (> … 0))`
)
(when Report.r (report))
#~ 7: error[E0402]: the condition is a number, not a Bool
#~     help: compare it: `(> … 0)`
(when Cwnd (report))
#~ 7: error[E0402]: the condition is a number, not a Bool
#~     help: compare it: `(> … 0)`
