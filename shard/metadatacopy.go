package shard

import "reflect"

// copyMap copies ClientInfo. Values that JSON has are copied without reflection.
func copyMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	c := make(map[string]any, len(m))
	for k, v := range m {
		c[k] = copyValue(v)
	}
	return c
}

func copyValue(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int, int64, float64:
		return v
	case map[string]any:
		return copyMap(v)
	}
	return deepCopy(reflect.ValueOf(v)).Interface()
}

// deepCopy copies maps, slices, arrays, pointers and structs of exported fields, and returns
// everything else as it is. What refers to itself never gets here: no limit would hold it.
func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			return deepCopy(v.Elem())
		}
	case reflect.Map:
		if !v.IsNil() {
			return copyOfMap(v)
		}
	case reflect.Slice:
		if !v.IsNil() {
			c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			copyElements(c, v)
			return c
		}
	case reflect.Array:
		c := reflect.New(v.Type()).Elem()
		copyElements(c, v)
		return c
	case reflect.Pointer:
		if !v.IsNil() && !isOpaque(v.Type().Elem()) {
			c := reflect.New(v.Type().Elem())
			c.Elem().Set(deepCopy(v.Elem()))
			return c.Convert(v.Type())
		}
	case reflect.Struct:
		if !isOpaque(v.Type()) {
			c := reflect.New(v.Type()).Elem()
			for i := range v.NumField() {
				c.Field(i).Set(deepCopy(v.Field(i)))
			}
			return c
		}
	}
	return v
}

func copyOfMap(v reflect.Value) reflect.Value {
	c := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		c.SetMapIndex(it.Key(), deepCopy(it.Value()))
	}
	return c
}

func copyElements(to, from reflect.Value) {
	if isPlain(from.Type().Elem()) {
		reflect.Copy(to, from)
		return
	}
	for i := range from.Len() {
		to.Index(i).Set(deepCopy(from.Index(i)))
	}
}

// isPlain reports whether t is a boolean or a number.
func isPlain(t reflect.Type) bool { return t.Kind() <= reflect.Complex128 }

// isOpaque reports whether t is a struct with unexported fields: what these refer to is its own
// package's business.
func isOpaque(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return true
		}
	}
	return false
}
