#@ test check
(def (x 1) (Report (x 2)) (Report (y 3)) (x true) (Report.y 4))
#~ 28: error[E0204]: a second `(Report …)`
#~     help: a program has one; move these declarations into it
#~ 43: error[L0101]: `x` is declared twice
#~     2:7: the other declaration
#~     help: remove or rename one of them
#~ 52: error[L0101]: `Report.y` is declared twice
#~     2:36: the other declaration
#~     help: remove or rename one of them
(def (z 5))
#~ 2: error[E0106]: a second `(def …)`
#~     help: a program has one; move these declarations into it
(when true (report))
