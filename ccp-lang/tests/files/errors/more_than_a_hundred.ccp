# At most a hundred are said, then how many more there are.
#@ test check
(def)
(when true
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 12: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 18: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 24: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 30: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 36: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 42: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 48: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 54: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 60: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
#~ 66: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
    (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo) (foo)
#~ 6: error[E0109]: `foo` is no operator or command
#~     help: write `foo` without parentheses if it is a variable or constant
)
#~ and 10 more
