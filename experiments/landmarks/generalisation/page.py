def tell(found, pictures): return ""
