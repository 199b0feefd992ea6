package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// environment is a struct type for package env, with a string field for each variable of the table,
// in that order. Package env sets each to the variable's value, or to the default if the variable
// is unset or empty. Fields of variables for which an empty value counts have no default.
var environment = func() reflect.Type {
	fields := make([]reflect.StructField, len(table))
	for i, v := range table {
		name := strings.TrimPrefix(v.Name, Prefix)
		tag := fmt.Sprintf("env:%q", name)
		if !v.emptyCounts {
			tag += fmt.Sprintf(" envDefault:%q", v.Default)
		}
		fields[i] = reflect.StructField{Name: name, Type: reflect.TypeFor[string](), Tag: reflect.StructTag(tag)}
	}
	return reflect.StructOf(fields)
}()

// load returns the values of the variables in the order of the table.
func load(variables map[string]string) []string {
	if variables == nil {
		variables = map[string]string{} // nil would mean the environment of the process
	}
	e := reflect.New(environment)
	if err := env.ParseWithOptions(e.Interface(), env.Options{Environment: variables, Prefix: Prefix}); err != nil {
		panic(err) // every value is a valid string
	}
	values := make([]string, len(table))
	for i, v := range table {
		values[i] = e.Elem().Field(i).String()
		if _, ok := variables[v.Name]; !ok {
			values[i] = v.Default
		}
	}
	return values
}
