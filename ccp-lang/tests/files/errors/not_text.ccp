#@ test check
(def (x 0))
(when true (:= x (+ x ÿþ)) (= x ) # ÿ in comments is nobody's business
#~ 23: error[E0002]: these bytes are not UTF-8
#~     help: save the program as UTF-8
#~ 29: error[E0101]: unexpected character `=`
#~     help: `:=` binds, `==` compares
#~ 33: error[E0101]: unexpected character "\u{1}"
#~     help: remove it; outside comments, which begin with `#`, it means nothing
)
