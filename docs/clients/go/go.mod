module example.org/follow

go 1.19
