; Stands in for ECL's compiler, which FriCAS asks for when it starts and does not use here.
(provide "CMP")
