package service_test

func become() {}
