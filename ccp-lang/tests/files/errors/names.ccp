#@ test check
(def (Cwnd 1) (Flow.rtt_sample_us 2) (__mine 3) (volatilefoo 4) (Report (__r 5)))
#~ 7: error[E0202]: `Cwnd` is built in and cannot be declared
#~     help: remove the declaration; every program can read and bind it
#~ 16: error[E0202]: `Flow.rtt_sample_us` is built in and cannot be declared
#~     help: remove the declaration; every program can read it
#~ 39: error[E0201]: `__mine` is a reserved name
#~     help: names that begin with `__` belong to the compiler; choose another
#~ 50: error[E0110]: `volatilefoo` begins with `volatile`
#~     help: write `volatile foo`, or choose another name
#~ 74: error[E0201]: `__r` is a reserved name
#~     help: names that begin with `__` belong to the compiler; choose another
(when true (:= __x 6) (:= Report.__r __y))
#~ 16: error[E0201]: `__x` is a reserved name
#~     help: names that begin with `__` belong to the compiler; choose another
#~ 38: error[E0201]: `__y` is a reserved name
#~     help: names that begin with `__` belong to the compiler; choose another
